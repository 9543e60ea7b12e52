"""What is to be seen of a scan, as frozen frames."""
