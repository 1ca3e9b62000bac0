"""The bundled world: queries and ads made from needs and offers, with the truth known."""
