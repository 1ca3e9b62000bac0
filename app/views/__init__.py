"""A short script a page; Streamlit runs it from top to bottom."""
