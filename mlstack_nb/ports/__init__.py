"""One abstract class per kind of component, one for materializers, and the registries that find implementations."""
