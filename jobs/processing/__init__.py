"""Processing, a kind of work: what is made of uploaded images, PDFs and videos."""
