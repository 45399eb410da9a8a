"""The Jupyter server extension: REST routes, and events when something changes."""
