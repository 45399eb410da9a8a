"""Contract suites: what a component of a kind must do, as tests. They ship, so that outside flavors prove themselves.

A suite is a class of pytest tests; a flavor's tests subclass it, and give the component as a fixture.
"""
