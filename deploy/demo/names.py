"""The words that the made-up clients are put together from, one `Region` per language."""

# ruff: noqa: SIM905 -- words in running lines are easier to read and to add to than quoted ones

from dataclasses import dataclass
from typing import Final, Literal

type Language = Literal["de", "ru", "en"]


@dataclass(frozen=True, slots=True)
class Numbers:
    """A range of telephone numbers nobody owns: `start` and the number of digits that follow it."""

    start: str
    digits: int


@dataclass(frozen=True, slots=True)
class City:
    """A city, the start of its postal codes and its telephone range."""

    name: str
    postal: str
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class Region:
    """Everything that the clients of one language are made of."""

    country_code: str
    cities: tuple[City, ...]
    mobile: tuple[Numbers, ...]
    streets: tuple[str, ...]
    street_pattern: str
    first_and_family: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    """First names and the family names that go with them; one pair per grammatical gender where the language has it."""
    companies: tuple[str, ...]
    """Patterns with `{word}`, `{family}` and `{city}`."""
    words: tuple[str, ...]
    postal_digits: int
    """How many digits are drawn behind the start of a city's postal code."""
    postal_ends: tuple[str, ...] = ("",)


_RUSSIAN_FAMILIES: Final = tuple(
    "Алексеев Андреев Баранов Белов Беляев Богданов Волков Воробьёв Гусев Егоров Ефимов Жуков Зайцев Захаров Ильин Калинин Карпов "
    "Киселёв Козлов Комаров Королёв Кузнецов Кузьмин Лебедев Макаров Медведев Мельников Морозов Никитин Новиков Орлов Осипов Павлов "
    "Петров Поляков Попов Романов Семёнов Смирнов Соколов Соловьёв Сорокин Степанов Тарасов Титов Фёдоров Филиппов Фролов Цветков "
    "Чернов Швецов Щербаков Юдин Яковлев".split()
)

REGIONS: Final[dict[Language, Region]] = {
    "de": Region(
        country_code="DE",
        cities=(
            City("Berlin", "10", Numbers("+49 30 23125", 3)),
            City("Hamburg", "20", Numbers("+49 40 66969", 3)),
            City("Köln", "50", Numbers("+49 221 4710", 3)),
            City("Frankfurt am Main", "60", Numbers("+49 69 90009", 3)),
            City("München", "80", Numbers("+49 89 99998", 3)),
        ),
        mobile=(Numbers("+49 171 39200", 2), Numbers("+49 176 040690", 2)),
        streets=tuple(
            "Ahornweg Bahnhofstraße Bergstraße Birkenallee Blumenstraße Brunnengasse Dorfstraße Eichenweg Feldstraße Fichtenweg "
            "Friedhofsweg Gartenstraße Goethestraße Hafenstraße Hauptstraße Industriestraße Kastanienallee Kirchplatz Königstraße "
            "Lessingstraße Lindenstraße Marktplatz Mühlenweg Parkallee Poststraße Ringstraße Rosenweg Schillerstraße Schlossstraße "
            "Schulstraße Seestraße Talstraße Uferweg Waldstraße Wiesenweg Ziegelhof".split()
        ),
        street_pattern="{street} {house}",
        first_and_family=(
            (
                tuple(
                    "Anja Bernd Birgit Christian Claudia Daniel Dieter Elke Florian Franziska Georg Gisela Hannah Heike Ingrid Jan Jörg "
                    "Julia Jürgen Karin Katrin Klaus Lena Lukas Manfred Marie Markus Mehmet Monika Nils Özlem Petra Rainer Sabine "
                    "Sebastian Stefan Susanne Thomas Ulrike Uwe Vera Wolfgang".split()
                ),
                tuple(
                    "Albrecht Arslan Bauer Baumann Becker Bergmann Böhm Brandt Busch Dietrich Engel Fischer Frank Friedrich Graf Groß "
                    "Günther Haas Hahn Hartmann Herrmann Hofmann Huber Jäger Jung Kaiser Keller Koch König Krämer Krüger Kühn Lang "
                    "Lehmann Lorenz Ludwig Maier Meier Meyer Möller Müller Neumann Otto Peters Pfeiffer Pohl Richter Roth Sauer "
                    "Schäfer Schmidt Schmitt Schneider Schreiber Schröder Schulze Schumacher Schuster Schwarz Seidel Simon Sommer "
                    "Stein Vogel Voigt Wagner Walter Weber Weiß Winter Wolf Ziegler Zimmermann".split()
                ),
            ),
        ),
        companies=(
            "{family} {word} GmbH",
            "{word} {family} GmbH & Co. KG",
            "{family} & Söhne {word}",
            "{word} {city} GmbH",
            "{family} {word} e. K.",
            "{family} {word} AG",
        ),
        words=tuple(
            "Anlagenbau Autohaus Bäckerei Baustoffe Brauerei Buchhandlung Dachtechnik Druckerei Elektrotechnik Fahrzeugbau "
            "Feinmechanik Gartenbau Gebäudetechnik Glasbau Hausverwaltung Heizungsbau Holzbau Immobilien Kältetechnik Küchenbau "
            "Lebensmittel Lichttechnik Logistik Maschinenbau Medizintechnik Metallbau Möbelhaus Optik Pflegedienst Sanitär "
            "Schreinerei Solartechnik Spedition Steuerberatung Tiefbau Umwelttechnik Verlag Versicherungen Werkzeugbau Zahntechnik".split()
        ),
        postal_digits=3,
    ),
    "ru": Region(
        country_code="RU",
        cities=(
            City("Москва", "101", Numbers("+7 495 0", 6)),
            City("Санкт-Петербург", "190", Numbers("+7 812 0", 6)),
            City("Екатеринбург", "620", Numbers("+7 343 0", 6)),
            City("Новосибирск", "630", Numbers("+7 383 0", 6)),
            City("Казань", "420", Numbers("+7 843 0", 6)),
        ),
        mobile=(Numbers("+7 900 0", 6), Numbers("+7 916 0", 6)),
        streets=tuple(
            "Береговая Вокзальная Гагарина Дачная Железнодорожная Заводская Зелёная Кирова Комсомольская Лесная Луговая Мира Молодёжная "
            "Набережная Новая Октябрьская Парковая Полевая Почтовая Пушкина Садовая Советская Солнечная Спортивная Строителей "
            "Центральная Чехова Школьная Южная".split()
        ),
        street_pattern="ул. {street}, д. {house}",
        first_and_family=(
            (
                tuple(
                    "Александр Алексей Андрей Антон Борис Виктор Владимир Григорий Дмитрий Евгений Иван Игорь Кирилл Максим Михаил "
                    "Николай Олег Павел Роман Сергей Степан Фёдор Юрий Ярослав".split()
                ),
                _RUSSIAN_FAMILIES,
            ),
            (
                tuple(
                    "Алла Анастасия Анна Валентина Вера Галина Дарья Екатерина Елена Жанна Зоя Ирина Ксения Людмила Марина Мария "
                    "Наталья Оксана Ольга Полина Светлана Татьяна Ульяна Юлия".split()
                ),
                tuple(family + "а" for family in _RUSSIAN_FAMILIES),
            ),
        ),
        companies=(
            "ООО «{word}»",
            "ООО «{word} {city}»",
            "АО «{word}-{family}»",
            "ИП {family}",
            "ООО «{family} и партнёры»",
            "Торговый дом «{word}»",
        ),
        words=tuple(
            "Авангард Альянс Атлант Бастион Берег Восток Вымпел Гарант Горизонт Дельта Заря Импульс Исток Каскад Квадрат Кедр Контур "
            "Кристалл Лидер Магнит Маяк Меридиан Мост Олимп Орион Парус Перспектива Пламя Прогресс Радуга Родник Рубин Салют Север "
            "Сигма Союз Спектр Сфера Титан Факел Феникс Фрегат Центр Эталон Юпитер Янтарь".split()
        ),
        postal_digits=3,
    ),
    "en": Region(
        country_code="GB",
        cities=(
            City("London", "EC", Numbers("+44 20 7946 0", 3)),
            City("Manchester", "M", Numbers("+44 161 496 0", 3)),
            City("Birmingham", "B", Numbers("+44 121 496 0", 3)),
            City("Edinburgh", "EH", Numbers("+44 131 496 0", 3)),
            City("Bristol", "BS", Numbers("+44 117 496 0", 3)),
        ),
        mobile=(Numbers("+44 7700 900", 3),),
        streets=tuple(
            "Abbey Albert Bridge Castle Cavendish Chapel Church Clarence Cross Duke Fairfield George Grange Green Grove Harbour High "
            "King's Manor Market Mill New North Orchard Park Priory Queen's Richmond River School South Spring Station Union Victoria "
            "Wellington West Windsor York".split()
        ),
        street_pattern="{house} {street} Street",
        first_and_family=(
            (
                tuple(
                    "Abigail Adam Alice Amelia Andrew Ben Charlotte Chloe Daniel Diana Edward Eleanor Emma Fatima George Grace Hannah "
                    "Harry Imogen Isaac Jack James Kate Leo Lucy Martin Megan Nadia Oliver Owen Peter Priya Rachel Robert Ruth Samuel "
                    "Sarah Thomas Victoria William".split()
                ),
                tuple(
                    "Adams Ahmed Bailey Baker Bell Bennett Brown Campbell Carter Clarke Collins Cook Cooper Cox Davies Edwards Ellis Evans "
                    "Foster Gray Green Griffiths Hall Harris Hill Hughes Hussain Jackson James Jenkins Johnson Jones Kelly Khan King "
                    "Lee Lewis Marshall Martin Mason Mitchell Moore Morgan Morris Murphy Palmer Parker Patel Phillips Powell Price "
                    "Richards Roberts Robinson Rogers Shaw Simpson Singh Smith Stevens Taylor Thomas Turner Walker Ward Watson White "
                    "Wilkinson Williams Wood Wright Young".split()
                ),
            ),
        ),
        companies=(
            "{family} {word} Ltd",
            "{family} & Sons {word}",
            "{city} {word} Ltd",
            "{family} {word} LLP",
            "The {family} {word} Company",
            "{family} {word} plc",
        ),
        words=tuple(
            "Accounting Analytics Bakery Brewery Catering Ceramics Coaching Consulting Couriers Design Electrical Engineering Estates "
            "Farming Fisheries Fitness Freight Furniture Gardens Glazing Interiors Joinery Laundry Lighting Logistics Marine Motors "
            "Optics Packaging Plumbing Printing Publishing Roofing Security Software Solar Surveying Textiles Timber Training "
            "Travel".split()
        ),
        postal_digits=1,
        postal_ends=(" 1AA", " 2BD", " 3EF", " 4GH", " 5JL", " 6NP", " 7QR", " 8ST"),
    ),
}

_LATIN: Final = str.maketrans(
    dict(
        zip(
            "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
            "a b v g d e yo zh z i y k l m n o p r s t u f kh ts ch sh shch  y  e yu ya".split(" "),
            strict=True,
        )
    )
    | {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}
)


def latin(text: str) -> str:
    """The text in small Latin letters, digits and hyphens, as it stands in an e-mail address."""
    plain = text.lower().translate(_LATIN)
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in plain.replace("'", "")).split()
    return "-".join(words)
