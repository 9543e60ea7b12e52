"""Recordings through the path that live data takes."""
