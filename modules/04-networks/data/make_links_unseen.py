"""Make links_unseen.csv, the links of session 4.2 that nobody recorded, from the same made-up world as links.csv."""

from make_links import write_table

if __name__ == "__main__":
    write_table("links_unseen")
