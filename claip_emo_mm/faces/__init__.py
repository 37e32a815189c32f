"""Face detection, tracking, cropping, and identities in a video."""
