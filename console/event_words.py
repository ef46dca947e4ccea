"""What every kind of event is, in words for the person it is about: German and English."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from audit_store.event import EventAction

WORDS: Mapping[EventAction, tuple[str, str]] = MappingProxyType(
    {
        EventAction.ACCESS: ("Vorgang mit Kundendaten", "Act on client data"),
        EventAction.LOGIN: ("Anmeldung am CRM", "Sign-in to the CRM"),
        EventAction.LOGIN_FAILED: ("Fehlgeschlagene Anmeldung am CRM", "Failed sign-in to the CRM"),
        EventAction.LOGOUT: ("Abmeldung vom CRM", "Sign-out from the CRM"),
        EventAction.REFUSED: ("Aufruf abgelehnt", "Call refused"),
        EventAction.KEY_ENROLLED: ("Schlüssel registriert", "Key registered"),
        EventAction.KEY_REFUSED: ("Schlüssel nicht angenommen", "Key refused"),
        EventAction.KEY_LOCKED: ("Schlüssel gesperrt", "Key locked"),
        EventAction.TOKEN_ISSUED: ("Link für einen Schlüssel ausgegeben", "Link for a key issued"),
        EventAction.STEP_UP_CONFIRMED: ("Vorgang mit dem Schlüssel bestätigt", "Act confirmed with the key"),
        EventAction.STEP_UP_REFUSED: ("Bestätigung nicht angenommen", "Confirmation refused"),
        EventAction.STEP_UP_ENDED: ("Vorgang nicht bestätigt", "Act not confirmed"),
        EventAction.PERSON_CREATED: ("Person angelegt", "Person added"),
        EventAction.PERSON_ERASED: ("Person gelöscht", "Person erased"),
        EventAction.PERSON_DISCLOSED: ("Auskunft erstellt", "Access request answered"),
        EventAction.STATUS_CHANGED: ("Status geändert", "Status changed"),
        EventAction.LEVEL_CHANGED: ("Stufe der Beobachtung geändert", "Level of watching changed"),
        EventAction.PERSON_FROZEN: ("Zugang eingefroren", "Access frozen"),
        EventAction.PERSON_UNFROZEN: ("Zugang wieder freigegeben", "Freeze lifted"),
        EventAction.ACCOUNT_BOUND: ("Konto zugeordnet", "Account bound"),
        EventAction.ASSIGNMENTS_IMPORTED: ("Zuordnung der Kunden eingelesen", "Assignments of clients imported"),
        EventAction.SESSION_CUT: ("Anmeldung beendet", "Session cut"),
        EventAction.POLICY_ACTIVATED: ("Regeln in Kraft gesetzt", "Rules put in force"),
        EventAction.POLICY_REFUSED: ("Regeln nicht angenommen", "Rules refused"),
        EventAction.GATEWAY_STARTED: ("Torwart gestartet", "Torwart started"),
        EventAction.GATEWAY_STOPPED: ("Torwart beendet", "Torwart stopped"),
        EventAction.SELF_TEST: ("Selbstprüfung", "Self-test"),
        EventAction.CONNECTION_REFUSED: ("Verbindung abgelehnt", "Connection refused"),
        EventAction.TUNNEL_UNREAD: ("Verbindung ungelesen durchgelassen", "Connection passed unread"),
        EventAction.ALERT_OPENED: ("Alarm ausgelöst", "Alert opened"),
        EventAction.ALERT_GROWN: ("Alarm erweitert", "Alert grown"),
        EventAction.ALERT_TAKEN: ("Alarm in Prüfung genommen", "Alert taken in hand"),
        EventAction.ALERT_CLOSED: ("Alarm geschlossen", "Alert closed"),
        EventAction.ALERT_NOTIFIED: ("Über einen Alarm benachrichtigt", "Somebody told of an alert"),
        EventAction.CONSOLE_LOGIN: ("Anmeldung an Torwart", "Sign-in to Torwart"),
        EventAction.CONSOLE_LOGOUT: ("Abmeldung von Torwart", "Sign-out from Torwart"),
        EventAction.RECORD_VIEWED: ("Gespeichertes eingesehen", "Stored data looked at"),
        EventAction.FILE_SEEN: ("Datei auf einem Rechner gesehen", "File seen on a machine"),
        EventAction.AGENT_TOKEN_ISSUED: ("Anmeldung eines Rechners vorbereitet", "Enrolment of a machine prepared"),
        EventAction.AGENT_ENROLLED: ("Rechner angemeldet", "Machine enrolled"),
        EventAction.AGENT_REMOVED: ("Rechner abgemeldet", "Machine removed"),
        EventAction.AGENT_REFUSED: ("Nachricht eines Rechners abgelehnt", "Message of a machine refused"),
        EventAction.AGENT_STARTED: ("Programm auf dem Rechner gestartet", "Agent started"),
        EventAction.AGENT_STOPPED: ("Programm auf dem Rechner beendet", "Agent stopped"),
        EventAction.AGENT_LOSS: ("Programm auf dem Rechner hat etwas verpasst", "Agent missed something"),
        EventAction.QUARANTINE_ORDERED: ("Datei soll beiseitegelegt werden", "File is to be put aside"),
        EventAction.RELEASE_ORDERED: ("Datei soll zurückgegeben werden", "File is to be given back"),
        EventAction.FILE_QUARANTINED: ("Datei beiseitegelegt", "File put aside"),
        EventAction.FILE_RELEASED: ("Datei zurückgegeben", "File given back"),
        EventAction.ORDER_REFUSED: ("Anweisung an einen Rechner abgelehnt", "Order to a machine refused"),
        EventAction.INDEX_BUILT: ("Verzeichnis der Kunden erneuert", "Client index built"),
        EventAction.OUTSIDE_PLACE: ("Ort außerhalb für Prüfpunkte", "Place outside for checkpoints"),
        EventAction.CHECKPOINT_KEY_CHANGED: ("Schlüssel der Prüfpunkte gewechselt", "Key of the checkpoints changed"),
        EventAction.STORE_ALARM: ("Alarm des Protokolls", "Alarm of the record"),
        EventAction.AUTHORITY_ALARM: ("Eintrag ohne Ursprung in der Datenbank", "Row of unknown origin in the database"),
    }
)
