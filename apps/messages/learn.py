"""Trains the local classifier on what people corrected."""
