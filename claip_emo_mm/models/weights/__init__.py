"""Loading, converting and saving the weights of the encoders."""
