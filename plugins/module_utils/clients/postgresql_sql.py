# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statements that a look at PostgreSQL is made of. No DDL, no DML; each works from version 10 on, or says from
when.

User-made text travels as bytes (textsend): a query of a database with another encoding would break the driver's
decoder.
"""

from __future__ import annotations

SERVER = """
SELECT current_setting('server_version_num')::int, pg_is_in_recovery(),
       extract(epoch FROM pg_postmaster_start_time())::float8, extract(epoch FROM clock_timestamp())::float8,
       (SELECT reset_val FROM pg_settings WHERE name = 'default_transaction_read_only') = 'on',
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
"""

SLOTS = """
SELECT s.max_conn, s.su_res, coalesce(s.res, 0), a.used, a.hidden, (SELECT coalesce(sum(numbackends), 0) FROM
pg_stat_database)
FROM (SELECT max(setting::int) FILTER (WHERE name = 'max_connections') AS max_conn,
             max(setting::int) FILTER (WHERE name = 'superuser_reserved_connections') AS su_res,
             max(setting::int) FILTER (WHERE name = 'reserved_connections') AS res FROM pg_settings) s,
     (SELECT count(*) FILTER (WHERE backend_type = 'client backend') AS used,
             count(*) FILTER (WHERE backend_type IS NULL) AS hidden
      FROM pg_stat_activity WHERE pid <> pg_backend_pid()) a
"""

ACTIVITY = """
SELECT a.pid, textsend(a.usename::text), textsend(a.datname::text), textsend(a.application_name),
       coalesce(host(a.client_addr), ''), coalesce(a.client_port, 0), coalesce(a.backend_type, ''), coalesce(a.state,
       ''),
       extract(epoch FROM a.backend_start)::float8, extract(epoch FROM a.xact_start)::float8,
       extract(epoch FROM a.query_start)::float8, extract(epoch FROM a.state_change)::float8,
       coalesce(a.wait_event_type, ''), coalesce(a.wait_event, ''), a.backend_xid IS NOT NULL,
       substring(textsend(a.query) FROM 1 FOR 2000), coalesce(a.query ~* '^\\s*listen\\M', false),
       a.pid = ANY (ARRAY(SELECT l.pid FROM pg_locks l WHERE l.locktype = 'advisory')),
       coalesce(r.rolsuper, false), coalesce(r.rolreplication, false),
       to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
       to_char(a.state_change AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
       a.backend_type IS NULL
FROM pg_stat_activity a LEFT JOIN pg_roles r ON r.oid = a.usesysid
WHERE a.pid <> pg_backend_pid()
ORDER BY a.state_change NULLS LAST, a.pid
LIMIT 5000
"""

WAITERS = """
SELECT a.pid, pg_blocking_pids(a.pid),
       extract(epoch FROM coalesce({since}, a.query_start))::float8,
       (SELECT l.mode || ' on ' || l.locktype FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted LIMIT 1)
FROM pg_stat_activity a WHERE a.wait_event_type = 'Lock' AND a.pid <> pg_backend_pid()
ORDER BY a.query_start LIMIT 1000
"""
WAIT_START = "(SELECT min(l.waitstart) FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted)"
"""From version 14 on; before, the start of the statement stands for the start of the wait."""

LIMITS = """
SELECT 'role', textsend(r.rolname::text), r.rolconnlimit,
       (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid AND a.pid <> pg_backend_pid())
FROM pg_roles r WHERE r.rolconnlimit >= 0 AND r.rolcanlogin AND NOT r.rolsuper
UNION ALL
SELECT 'database', textsend(b.datname::text), b.datconnlimit,
       (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = b.oid AND a.pid <> pg_backend_pid())
FROM pg_database b WHERE b.datconnlimit >= 0
"""

AGES = (
    "SELECT textsend(datname::text), age(datfrozenxid), mxid_age(datminmxid) FROM pg_database ORDER BY 2 DESC LIMIT 100"
)

PREPARED = """
SELECT textsend(gid), textsend(owner::text), textsend(database::text), extract(epoch FROM prepared)::float8
FROM pg_prepared_xacts ORDER BY prepared LIMIT 100
"""

REPLICATION_SLOTS = """
SELECT slot_name::text, slot_type::text, active, {status},
       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
                       restart_lsn)::int8
FROM pg_replication_slots WHERE NOT temporary ORDER BY 5 DESC NULLS LAST LIMIT 100
"""
WAL_STATUS = "coalesce(wal_status, '')"
"""From version 13 on."""

REPLICAS = """
SELECT textsend(application_name), coalesce(state, ''), coalesce(sync_state, ''), extract(epoch FROM
replay_lag)::float8,
       pg_wal_lsn_diff(sent_lsn, replay_lsn)::int8
FROM pg_stat_replication ORDER BY 4 DESC NULLS LAST LIMIT 100
"""

REPLAY = """
SELECT CASE WHEN pg_last_wal_receive_lsn() IS NOT DISTINCT FROM pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 END
"""

COUNTERS = """
SELECT extract(epoch FROM clock_timestamp())::float8, extract(epoch FROM pg_postmaster_start_time())::float8,
       coalesce(sum(deadlocks), 0)::int8, coalesce(sum(xact_commit), 0)::int8, coalesce(sum(xact_rollback), 0)::int8,
       {sessions}
FROM pg_stat_database
"""
SESSIONS = "coalesce(sum(sessions), 0)::int8"
"""From version 14 on."""

LOCKS = """
SELECT (SELECT count(*) FROM pg_locks WHERE NOT fastpath AND locktype NOT IN ('virtualxid', 'transactionid')),
       (SELECT setting::int8 FROM pg_settings WHERE name = 'max_locks_per_transaction')
       * ((SELECT setting::int8 FROM pg_settings WHERE name = 'max_connections')
          + (SELECT setting::int8 FROM pg_settings WHERE name = 'max_prepared_transactions'))
"""

TABLES = """
SELECT textsend((schemaname || '.' || relname)::text), n_live_tup, n_dead_tup, extract(epoch FROM
last_autovacuum)::float8
FROM pg_stat_user_tables WHERE n_dead_tup > 10000 ORDER BY n_dead_tup DESC LIMIT 20
"""

SPACE = """
SELECT (SELECT sum(size)::int8 FROM pg_ls_waldir()),
       (SELECT pg_size_bytes(current_setting('max_wal_size'))),
       (SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) FROM pg_stat_archiver)
"""

SETTINGS = """
SELECT name, left(setting, 200) FROM pg_settings
WHERE source NOT IN ('default', 'override', 'client', 'session') AND name !~* 'pass|conninfo|command|slot_name' ORDER
BY name
"""

IDENTITY = """a.pid = %(pid)s AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
  AND to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') = %(backend_start)s
  AND to_char(a.state_change AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') = %(state_change)s
  AND a.state = %(state)s
  AND NOT EXISTS (SELECT 1 FROM pg_roles r WHERE r.oid = a.usesysid AND (r.rolsuper OR r.rolreplication))"""
"""Whether a session is still the very one that was chosen, and does what it did then: in the statement that ends it."""

TERMINATE = f"SELECT a.pid, pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE {IDENTITY}"
CANCEL = f"SELECT a.pid, pg_cancel_backend(a.pid) FROM pg_stat_activity a WHERE {IDENTITY}"
STILL = """
SELECT a.pid, to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
       to_char(a.state_change AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')
FROM pg_stat_activity a WHERE a.pid = ANY (%(pids)s)
"""
