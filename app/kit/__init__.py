"""What every page is built from: controls, forms, texts, figures, the loader of browser parts."""
