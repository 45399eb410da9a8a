"""Model deployers: one file per flavor."""
