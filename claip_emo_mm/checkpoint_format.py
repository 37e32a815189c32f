"""What a checkpoint says of itself is filed under this key of its ``meta``, in this format."""
META_KEY = 'claip_emo_mm'
FORMAT = 2
READABLE = (1, 2)  # files of format 1 hold the whole model
