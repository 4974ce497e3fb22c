"""The pytest plugin: imports nothing but pytest until a fixture is used."""
