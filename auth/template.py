"""The configuration file that `torwart init` writes: every setting with its meaning, in German and English."""

from __future__ import annotations

MANY_PEOPLE = 10
"""Of a firm with more, pages show pseudonyms until two people reveal a name (law 11)."""


def template(*, state: str = "state", names: str = "shown") -> str:
    """The text of a new `torwart.yaml`. It works at once on one machine; real names and certificates are to be put in."""
    return _TEMPLATE.format(state=state, names=names)


_TEMPLATE = """\
# Torwart – Einstellungen / settings
# Prüfen und starten / check and start:   torwart up --config torwart.yaml

# Ordner für alles, was Torwart aufbewahrt; nur für den Benutzer, unter dem Torwart läuft (chmod 700).
# Folder of everything that Torwart keeps; for nobody but the user that Torwart runs as (chmod 700).
state: {state}

# Sprache für Unbekannte: de oder en. / Language for people who are not known: de or en.
language: de

# Namen auf den Seiten: shown (gezeigt) oder pseudonyms. Log, E-Mail und Webhook nennen immer nur Pseudonyme.
# Names on pages: shown or pseudonyms. Log, mail and web hook always use pseudonyms.
names: {names}

# Torwarts eigener Host: Schlüssel, Bestätigung, Seiten. Einmal wählen: Wird er geändert, ist jeder Schlüssel ungültig.
# Torwart's own host: keys, confirmation, pages. Choose it once: changing it voids every key.
torwart:
  # Für andere Rechner / for other machines: https://torwart.firma.example
  url: http://torwart.localhost:8401
  listen: 127.0.0.1:8401
  # Pflicht, wenn der Name nicht auf .localhost endet. / Required unless the name ends in .localhost.
  # certificate: torwart.pem
  # key: torwart.key

# Das CRM: `url` ist die Adresse, die Ihre Leute eintippen (Torwart), `upstream` das CRM selbst, nur für Torwart erreichbar.
# The CRM: `url` is what your people type (Torwart), `upstream` the CRM itself, reachable by Torwart alone.
crm:
  # Für andere Rechner / for other machines: https://crm.firma.example
  url: http://crm.localhost:8400
  listen: 127.0.0.1:8400
  # certificate: crm.pem
  # key: crm.key
  upstream: http://127.0.0.1:8000
  profile: tryton
  # Name der Datenbank in Tryton. / Name of Tryton's database.
  database: crm
  # Feld des Kunden, das seinen Betreuer nennt; ohne: Zuordnung durch `torwart people assign kunden.csv`.
  # Field of the client that names its owner; without it: `torwart people assign clients.csv`.
  # owner_field: null
  # Länder, deren Nummern ohne Landesvorwahl gewählt werden (ISO 3166-1), das eigene zuerst: damit Kunden an der Nummer erkannt werden.
  # Countries whose numbers are dialled without a country code, your own first: so that clients are recognised by their numbers.
  # regions: [DE]

# Der Weg hinaus: ein Proxy, der prüft, was an Server außerhalb gesendet wird (freiwillig). Vorher: torwart index build
# Anmeldung: torwart people proxy PERSON. Den Rechnern gibt man state/ca/torwart-ca.pem als vertrauenswürdig.
# The way out: a proxy that inspects what is sent to servers outside (optional). First: torwart index build
# Log-in: torwart people proxy PERSON. The machines are told to trust state/ca/torwart-ca.pem.
# proxy:
#   listen: 127.0.0.1:8402
#   # Nur mit einer Loopback-Adresse: die eine Person, deren Rechner das ist; dann ohne Anmeldung.
#   # With a loopback address only: the one person whose machine this is; then without a log-in.
#   person: anna@firma.example
#   # Ausnahmen von „nur öffentliche Adressen“, genau als host:port. / Exceptions to "public addresses only", exact host:port.
#   allow: []
#   # Was für ein Ort ein Host ist: cloud, webmail, messenger oder website. / What kind of place a host is.
#   destinations: {{speicher.example: cloud}}
#   upload_limit_bytes: 67108864
#   ports: [443]
#   # Weitere Aussteller, denen der Proxy bei Servern traut (PEM). / Further authorities of servers (PEM).
#   # trusted: authorities.pem
#   # Hosts, deren TLS ungelesen durchgeht (gezählt): Gesundheit, Banken. / Hosts whose TLS goes through unread (counted).
#   bypass: []

# Mehrere Rechner mit einer gemeinsamen Datenbank (freiwillig; docs/many-gateways.md): ohne dies liegt alles in `state`.
# Several machines with one database (optional; docs/many-gateways.md): without it everything is in `state`.
# machine: nord
# database:
#   url: postgresql+psycopg://torwart@db.firma.example/torwart
#   password_file: database.password
#   # Aussteller des Zertifikats, wenn es nicht der des Systems ist. / Authority of its certificate, if not one of the system's.
#   # ca: database-ca.pem

# Platz der Aufzeichnungen jedes Prozesses und jedes Agenten (freiwillig). Ist einer voll, wird nichts mehr herausgegeben; Alarm ab 80 %.
# Room for the record of each process and of each agent (optional). When one is full nothing is released; alarm from 80 %.
# record:
#   spool_bytes: 4294967296
#   # Tage, mindestens 7. / Days, at least 7.
#   spool_days: 7
#   agent_bytes: 268435456

# Wie lange das Protokoll aufbewahrt, in Tagen; null: für immer (docs/privacy.md). Ohne diesen Abschnitt gelten diese Zahlen.
# How long the record keeps what, in days; null: for ever (docs/privacy.md). Without this section these numbers hold.
# retention:
#   # Durchgelassenes Lesen. / Reading that was let through.
#   reading_days: 365
#   # Exporte, Änderungen, Abgelehntes, Alarme, Schlüssel, Regeln. / Exports, changes, denials, alerts, keys, rules.
#   evidence_days: 1461
#   sign_ins_days: 365
#   # Wer sich Gespeichertes angesehen hat. / Who looked at what is stored.
#   looks_days: 365
#   # Wie es Torwart selbst geht. / How Torwart itself is doing.
#   trouble_days: 180
#   # Personen, deren Einträge alle bleiben, etwa wegen eines Rechtsstreits. / People whose events all stay, for example for a lawsuit.
#   hold: []

# Anmeldung an Torwarts eigenen Seiten (freiwillig): Ende ohne Benutzung und Ende in jedem Fall, dann wird der Schlüssel wieder verlangt.
# Sign-in to Torwart's own pages (optional): its end without use, and its end in any case; then the key is asked for again.
# sessions:
#   idle_minutes: 60
#   hours: 8

# Welche Schlüssel registriert werden und welche Modelle als geprüft gelten (freiwillig; torwart keys metadata, torwart keys models).
# Which keys are registered, and which models count as verified (optional; torwart keys metadata, torwart keys models).
# keys:
#   # Der schwächste: any (auch synchronisierte), hardware oder verified. / The weakest: any (synced ones too), hardware or verified.
#   register_least: any
#   # Nummern (AAGUID); leer: alle, die die FIDO-Liste kennt und nicht zurückgezogen hat. / Numbers (AAGUID); empty: all that the FIDO
#   # list knows and has not withdrawn.
#   models: []

# Was eine zweite Person bestätigen muss, wo es nur eine gibt (freiwillig): Grund, Nachricht nach draußen, Wartezeit. docs/approvals.md
# What a second person has to approve, where there is only one (optional): reason, notice to an address outside, delay.
# sole_reviewer:
#   address: kanzlei@steuerberatung.example
#   delay_hours: 24

# Namen hinter Pseudonymen (freiwillig): wer von jedem gezeigten Namen hört, und wie lange er gezeigt wird. docs/privacy.md
# Names behind pseudonyms (optional): who hears of each name that is shown, and for how long it is.
# privacy:
#   officer: datenschutz@firma.example
#   reveal_hours: 24

# E-Mail bei einer Meldung (freiwillig). / Mail for an alert (optional).
# mail:
#   host: smtp.firma.example
#   port: 587
#   starttls: true
#   sender: torwart@firma.example
#   recipients: [leitung@firma.example]
#   user: torwart
#   password_file: mail.password

# Webhook bei einer Meldung, unterschrieben (freiwillig). / Signed web hook for an alert (optional).
# webhook:
#   url: https://hooks.firma.example/torwart

# Elasticsearch: dort lässt sich das Protokoll neben allem anderen durchsuchen (freiwillig). Rollen: deploy/elasticsearch/roles.yml
# Vorher einmal, mit einem Benutzer der Rolle torwart_installer: torwart events elastic-install --user NAME
# Elasticsearch: there the record can be searched beside everything else (optional). Roles: deploy/elasticsearch/roles.yml
# Once before, with a user of the role torwart_installer: torwart events elastic-install --user NAME
# elastic:
#   # Eine Adresse oder eine Liste. / One address or a list.
#   url: https://elastic.firma.example:9200
#   # Darf nur hinzufügen. / May only add.
#   user: torwart-writer
#   password_file: elastic-writer.password
#   # Sucht und prüft, ob alles ankam. / Searches, and looks whether everything has arrived.
#   reader_user: torwart-reader
#   reader_password_file: elastic-reader.password
#   # Statt Benutzer und Passwort: api_key_file, reader_api_key_file. / Instead of user and password.
#   # Statt der Dateien: TORWART_ELASTIC_PASSWORD, …_API_KEY, …_READER_PASSWORD, …_READER_API_KEY. / Instead of the files.
#   # Aussteller des Zertifikats, wenn es nicht der des Systems ist. / Authority of its certificate, if not one of the system's.
#   # ca: elastic-ca.pem
#   # Eigenes Zertifikat, wo Elasticsearch eines verlangt. / Certificate of Torwart's own, where Elasticsearch wants one.
#   # certificate: torwart-client.pem
#   # key: torwart-client.key
#   # Ohne Passwort die Anmeldung selbst (PKI); der Leser braucht dann sein eigenes. / Without a password the log-in itself (PKI).
#   # reader_certificate: torwart-reader.pem
#   # reader_key: torwart-reader.key
#   # Nach so vielen Tagen löscht Elasticsearch (elastic-install sagt es ihm). / After so many days Elasticsearch deletes.
#   # retention_days: 365
#   # dead_letter_retention_days: 90

# Orte außerhalb dieses Rechners, die unterschriebene Zeugnisse über das Protokoll aufbewahren: Wer den Rechner hat, kann es dann nicht mehr
# unbemerkt ändern. Gibt es einen, muss ein Zeugnis dort sein, bevor ein Export, ein Schlüssel, ein Status oder Regeln gelten.
# Places outside this machine that keep signed statements about the record: whoever has the machine can then no longer change it unseen.
# Where there is one, it must have a statement before an export, a key, a status or rules take effect. docs/record.md
# outside:
#   # Eingehängte Ordner; sie müssen da sein, Torwart legt sie nicht an. / Mounted folders; they must be there, Torwart makes none.
#   folders: [/mnt/tresor/torwart]
#   # Adressen, die Zeugnisse per E-Mail bekommen (Server: Abschnitt mail). / Addresses that get them by mail (server: section mail).
#   mail: [inhaberin@firma.example]
#   mail_every_hours: 24
#   # Der Fingerabdruck, den Sie aufgeschrieben haben (torwart events key). / The fingerprint that you wrote down.
#   # key: 7F3A-91C2-D4E5-F607-18A9
#   # Wann ein Ort, der nichts annimmt, ein Alarm wird. / When a place that takes nothing becomes an alarm.
#   alarm_after_minutes: 15
"""
