"""Drawings without state: functions from values to elements."""
