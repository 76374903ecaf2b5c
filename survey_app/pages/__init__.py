"""A page of an instrument as controls: which kind each item gets, how an address is found, and the Streamlit widgets.

`controls` and `address` are pure and serve the plain HTML door as well; only `widgets` imports Streamlit.
"""
