"""The residents' process: the plain HTML form and the Streamlit form, on one port, over one submission service."""
