"""Make people.csv, the people of session 4.2, from the same made-up world as links.csv."""

from make_links import write_table

if __name__ == "__main__":
    write_table("people")
