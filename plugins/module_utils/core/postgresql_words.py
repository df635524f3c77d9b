# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a server that refuses everybody, which PostgreSQL tells by words alone: SQLSTATE is 57P03 for all of
them.

The words are those of its message catalogues (lc_messages of the server), in every language that it is delivered in.
"""

from __future__ import annotations

STARTING, RECOVERING, SHUTTING_DOWN = "starting", "recovering", "shutting_down"

WORDS: dict[str, tuple[str, ...]] = {
    STARTING: (
        "the database system is starting up",
        "das Datenbanksystem startet",
        "el sistema de base de datos está iniciándose",
        "le système de bases de données se lance",
        "il database si sta avviando",
        "データベースシステムは起動処理中です",
        "მიმდინარეობს მონაცემთა ბაზის სისტემის გაშვება",
        "데이터베이스 시스템이 새로 가동 중입니다",
        "система баз данных запускается",
        "databassystemet startar upp",
        "система бази даних запускається",
        "数据库系统启动中",
    ),
    RECOVERING: (
        "the database system is not yet accepting connections",
        "das Datenbanksystem nimmt noch keine Verbindungen an",
        "el sistema de bases de datos aún no está aceptando conexiones",
        "le système de bases de données n'accepte pas encore de connexions",
        "il sistema di database non accetta ancora connessioni",
        "データベースシステムはまだ接続を受け付けていません",
        "მონაცემთა ბაზის სისტემა ჯერ მიერთებებს არ იღებს",
        "해당 데이터베이스 시스템은 아직 접속을 허용하지 않습니다",
        "система БД ещё не принимает подключения",
        "databassystemet tar ännu inte emot anslutningar",
        "система бази даних ще не приймає підключення",
        "the database system is not accepting connections",
        "das Datenbanksystem nimmt keine Verbindungen an",
        "el sistema de bases de datos no está aceptando conexiones",
        "le système de bases de données n'accepte pas de connexions",
        "il sistema di database non accetta connessioni",
        "データベースシステムは接続を受け付けていません",
        "მონაცემთა ბაზის სისტემა მიერთებებს არ იღებს",
        "해당 데이터베이스 시스템은 접속을 허용하지 않습니다",
        "система БД не принимает подключения",
        "databassystemet tar inte emot anslutningar",
        "система бази даних не приймає підключення",
        "the database system is in recovery mode",
        "das Datenbanksystem ist im Wiederherstellungsmodus",
        "el sistema de base de datos está en modo de recuperación",
        "le système de bases de données est en cours de restauration",
        "il database è in modalità di ripristino",
        "データベースシステムはリカバリモードです",
        "მონაცემთა ბაზის სისტემა აღდგენის რეჟიმშია",
        "데이터베이스 시스템이 자동 복구 작업 중입니다",
        "система баз данных в режиме восстановления",
        "databassystemet är återställningsläge",
        "система бази даних у режимі відновлення",
        "数据库系统在恢复模式中",
    ),
    SHUTTING_DOWN: (
        "the database system is shutting down",
        "das Datenbanksystem fährt herunter",
        "el sistema de base de datos está apagándose",
        "le système de base de données s'arrête",
        "il database si sta spegnendo",
        "データベースシステムはシャットダウンしています",
        "მონაცემთა ბაზის სისტემა ითიშება",
        "데이터베이스 시스템이 중지 중입니다",
        "система баз данных останавливается",
        "databassystemet stänger ner",
        "система бази даних завершує роботу",
        "数据库系统停止中",
    ),
}


def state_of(message: str) -> str:
    """What a 57P03 says. Words that nobody knows mean that it starts: whoever waits then does no harm."""
    text = message.lower()
    for state, words in WORDS.items():
        if any(word.lower() in text for word in words):
            return state
    return STARTING
