"""What the venues have settled of funding: asked for beside the scan, and stored."""
