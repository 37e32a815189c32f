"""Writing of files, errors of files, parallel work."""
