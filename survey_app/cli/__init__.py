"""The command `sandu`: see survey_app/README.md. Never imports streamlit."""

from survey_app.cli.app import main

__all__ = ["main"]
