"""Values in, a Plotly figure out; no Streamlit, no services, no metric is computed here."""
