"""Model registries: one file per flavor."""
