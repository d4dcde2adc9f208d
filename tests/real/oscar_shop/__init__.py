"""A django-oscar shop as a shop keeper would set it up: oscar, oscarapi, a pipeline of order states, SQLite."""
