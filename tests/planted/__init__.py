"""Bugs that are planted into a test run, to show that the tests would notice: `demo.plants` has the first four, here are the others."""
