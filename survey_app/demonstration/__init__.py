"""The demonstration: two waves of a real draw, answered by simulated people. All of it is marked as simulated."""

from survey_app.demonstration.making import Demonstration, make_demonstration, prepare_store, reset_demonstration

__all__ = ["Demonstration", "make_demonstration", "prepare_store", "reset_demonstration"]
