"""The step runner, the cache, the store's layout: knows ports, never flavors."""
