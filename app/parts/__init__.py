"""Browser parts: plain JS modules over Streamlit's components v2, no bundler, nothing fetched."""
