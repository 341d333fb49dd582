"""Make air_passengers.csv: monthly airline passengers, 1949 to 1960. Usage: make_air_passengers.py [folder]

Nothing is random: the 144 published figures (Box and Jenkins 1976, Series G) stand here, one line a year.
"""

import sys
from pathlib import Path

THOUSANDS = {
    1949: "112 118 132 129 121 135 148 148 136 119 104 118",
    1950: "115 126 141 135 125 149 170 170 158 133 114 140",
    1951: "145 150 178 163 172 178 199 199 184 162 146 166",
    1952: "171 180 193 181 183 218 230 242 209 191 172 194",
    1953: "196 196 236 235 229 243 264 272 237 211 180 201",
    1954: "204 188 235 227 234 264 302 293 259 229 203 229",
    1955: "242 233 267 269 270 315 364 347 312 274 237 278",
    1956: "284 277 317 313 318 374 413 405 355 306 271 306",
    1957: "315 301 356 348 355 422 465 467 404 347 305 336",
    1958: "340 318 362 348 363 435 491 505 404 359 310 337",
    1959: "360 342 406 396 420 472 548 559 463 407 362 405",
    1960: "417 391 419 461 472 535 622 606 508 461 390 432",
}


def make() -> str:
    """The file's text: a header and 144 rows of month (first day) and passengers (thousands)."""
    rows = [
        f"{year}-{month:02d}-01,{count}"
        for year, counts in THOUSANDS.items()
        for month, count in enumerate(counts.split(), start=1)
    ]
    return "\n".join(["month,passengers", *rows]) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    (folder / "air_passengers.csv").write_text(make(), encoding="utf-8", newline="\n")
