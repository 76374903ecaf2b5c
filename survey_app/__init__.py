"""Collects, stores and shows."""
