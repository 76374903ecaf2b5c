"""The analyst's console: one Streamlit view per file over pure readings of a snapshot."""
