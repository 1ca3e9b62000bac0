"""The front end: a Streamlit app over kdcore."""
