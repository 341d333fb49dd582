"""Make links.csv, the recorded links of the synthetic network of session 4.2. Nobody in it exists.

A whole world of links is made first; then each link is recorded, or not, with a chance that depends on the area.
Two crews are made by the same rule, one in each area: any difference between them comes from chance and recording.
People, and the links that nobody recorded, come from the same world: make_people.py and make_links_unseen.py ask here.
"""

import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 4200
CREW_SIZE = 16  # people in each crew
CREW_CHANCE = 0.32  # chance that two people of a crew have offended together
RECORDED = {"A": 0.9, "B": 0.45}  # chance that a link is recorded: area A is patrolled far more
YEARS = [2022, 2023, 2024]
SERVICES = ["children's services", "adult social care", "hospital", "no service"]


class World:
    """People and links while they are being made; people are numbered 0, 1, 2, ... in order of arrival."""

    def __init__(self, rng):
        self.rng = rng
        self.people = []
        self.links = []

    def add_person(self, area, ages, exploiter=False):
        """Add one person whose age band is drawn from `ages`; return the number."""
        self.people.append({"age_band": str(self.rng.choice(ages)), "area": area, "known_exploiter": exploiter})
        return len(self.people) - 1

    def add_people(self, count, area, ages):
        return [self.add_person(area, ages) for _ in range(count)]

    def add_link(self, source, target, kind, sure=False):
        """Add one link; `sure` links are always recorded."""
        self.links.append({"source": source, "target": target, "kind": kind, "sure": sure})

    def pick(self, people, count):
        return [int(person) for person in self.rng.choice(people, size=count, replace=False)]


def add_crew(world, area, exploiters):
    """A crew that offends together, the people its exploiters harm, and two households. Returns its members."""
    crew = world.add_people(CREW_SIZE, area, ["under 18", "18 to 24", "18 to 24", "25 to 49"])
    for a, b in combinations(crew, 2):
        if world.rng.random() < CREW_CHANCE:
            world.add_link(a, b, "co-offence")
            if world.rng.random() < 0.25:
                world.add_link(a, b, "co-offence")
    for exploiter in crew[:exploiters]:
        world.people[exploiter].update(known_exploiter=True, age_band="25 to 49")
    harmed = world.add_people(12, area, ["under 18", "under 18", "18 to 24", "50 and over"])
    for exploiter in crew[:exploiters]:
        for person in world.pick(harmed, 5):
            world.add_link(exploiter, person, "offence against")
    for member in world.pick(crew[exploiters:], 3):
        world.add_link(crew[0], member, "offence against")
    for person in world.pick(harmed, 3):
        world.add_link(person, world.pick(crew, 1)[0], "co-offence")
    for _ in range(2):
        home = world.pick(harmed, 1) + world.add_people(3, area, ["under 18", "18 to 24", "25 to 49"])
        for a, b in combinations(home, 2):
            world.add_link(a, b, "shared address")
    return crew


def add_go_between(world, crew_a, crew_b):
    """A child used by both crews: harmed by an exploiter of each, recorded as offending with members of each."""
    child = world.add_person("A", ["under 18"])
    world.add_link(crew_a[0], child, "offence against", sure=True)
    world.add_link(crew_b[0], child, "offence against", sure=True)
    for member in (crew_a[7], crew_a[10], crew_b[6], crew_b[9]):
        world.add_link(child, member, "co-offence", sure=True)


def add_taken_over_home(world, crew):
    """An adult whose home a crew has taken over: four members give the address, one has harmed the adult."""
    adult = world.add_person("B", ["50 and over"])
    for member in crew[1:5]:
        world.add_link(member, adult, "shared address", sure=True)
    world.add_link(crew[1], adult, "offence against", sure=True)


def add_prolific_offender(world, crew):
    """One person with many victims who know nobody else, and one old co-offence with a crew."""
    offender = world.add_person("A", ["25 to 49"])
    for person in world.add_people(15, "A", ["18 to 24", "25 to 49", "50 and over"]):
        world.add_link(offender, person, "offence against", sure=True)
    world.add_link(offender, crew[12], "co-offence", sure=True)


def add_small_groups(world):
    """Pairs and threes with no link to the rest."""
    for number in range(16):
        area = "AB"[number % 2]
        group = world.add_people(2 + number % 3 // 2, area, ["under 18", "18 to 24", "25 to 49", "50 and over"])
        kind = str(world.rng.choice(["co-offence", "offence against", "shared address"]))
        for a, b in zip(group, group[1:], strict=False):
            world.add_link(a, b, kind)


def name_people(world, rng):
    """People as a table, in the order of shuffled names P0001, P0002, ..., and the name of each number."""
    names = [f"P{number:04d}" for number in rng.permutation(len(world.people)) + 1]
    people = pd.DataFrame(world.people)
    people.insert(0, "person_id", names)
    child = people["age_band"] == "under 18"
    draws = rng.random(len(people))
    known = np.where(child & (draws < 0.5), SERVICES[0], SERVICES[3])
    known = np.where((people["age_band"] == "50 and over") & (draws < 0.4), SERVICES[1], known)
    people["known_to"] = np.where((known == SERVICES[3]) & (draws > 0.8), SERVICES[2], known)
    return people.sort_values("person_id"), names


def record(world, names, rng):
    """Links as a table with their year, and whether each is recorded."""
    links = pd.DataFrame(world.links)
    area = links["source"].map(lambda number: world.people[number]["area"])
    links["recorded"] = (rng.random(len(links)) < area.map(RECORDED)) | links["sure"]
    links["year"] = rng.choice(YEARS, size=len(links))
    links["source"] = links["source"].map(lambda number: names[number])
    links["target"] = links["target"].map(lambda number: names[number])
    links = links.drop(columns="sure").sort_values(["year", "source", "target", "kind"], ignore_index=True)
    links.insert(0, "link_id", [f"L{number:04d}" for number in links.index + 1])
    return links[["link_id", "year", "source", "target", "kind", "recorded"]]


def make_tables():
    """The tables by name: people, links (recorded) and links_unseen (the rest)."""
    structure, naming, recording = (np.random.default_rng(seed) for seed in np.random.SeedSequence(SEED).spawn(3))
    world = World(structure)
    crew_a = add_crew(world, "A", exploiters=3)
    crew_b = add_crew(world, "B", exploiters=3)
    add_go_between(world, crew_a, crew_b)
    add_taken_over_home(world, crew_b)
    add_prolific_offender(world, crew_a)
    add_small_groups(world)
    people, names = name_people(world, naming)
    links = record(world, names, recording)
    recorded = links.pop("recorded")
    return {"people": people, "links": links[recorded], "links_unseen": links[~recorded]}


def write_table(name):
    """Write NAME.csv into the folder given on the command line, or beside this script."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    make_tables()[name].to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    write_table("links")
