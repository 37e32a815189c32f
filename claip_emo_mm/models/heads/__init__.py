"""Classification heads that fuse visual and audio features."""
