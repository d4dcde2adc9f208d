"""A django-oscar shop in memory, for tests and the torture kit; the demo and the journeys start a real one."""
