"""What clients for Python, and libpq, understand of each line of standard input: `client<TAB>connection string`. A JSON list of [host, port, user, password, TLS, rest]."""
import ctypes
import json
import sys

import asyncpg.connect_utils
import dj_database_url
import openai
import psycopg
import pymongo.srv_resolver
import pymongo.uri_parser
import redis
import sqlalchemy
import valkey


def libpq(text):
    class Option(ctypes.Structure):
        _fields_ = [(name, ctypes.c_char_p) for name in ('keyword', 'envvar', 'compiled', 'val', 'label', 'dispchar')] + [('dispsize', ctypes.c_int)]
    library = ctypes.CDLL('libpq.so.5')
    library.PQconninfoParse.restype = ctypes.POINTER(Option)
    wrong = ctypes.c_char_p()
    options = library.PQconninfoParse(text.encode(), ctypes.byref(wrong))
    if not options: raise ValueError(wrong.value)
    said, at = {}, 0
    while options[at].keyword:
        if options[at].val is not None: said[options[at].keyword.decode()] = options[at].val.decode()
        at += 1
    return postgres(said)


def postgres(said):
    return [said.get('host'), said.get('port'), said.get('user'), said.get('password'), said.get('sslmode') in ('require', 'verify-ca', 'verify-full'),
            said.get('dbname')]


def with_asyncpg(text):
    # The driver resolves nothing before it connects.
    addresses, parameters, _ = asyncpg.connect_utils._parse_connect_arguments(
        dsn=text, host=None, port=None, user=None, password=None, passfile=None, database=None, command_timeout=None, statement_cache_size=1,
        max_cached_statement_lifetime=1, max_cacheable_statement_size=1, ssl=None, direct_tls=None, server_settings=None, target_session_attrs=None,
        krbsrvname=None, gsslib=None)
    return [addresses[0][0], str(addresses[0][1]), parameters.user, parameters.password, parameters.sslmode.name == 'require', parameters.database]


def with_sqlalchemy(text):
    url = sqlalchemy.engine.make_url(text)
    _, arguments = url.get_dialect()().create_connect_args(url) if url.get_driver_name() not in ('asyncmy', 'mysqldb', 'mysqlconnector') else ([], url.query)
    if url.get_backend_name() == 'mysql':
        tls = bool(arguments.get('ssl')) or arguments.get('ssl_mode') == 'REQUIRED'
    else:
        tls = arguments.get('sslmode', arguments.get('ssl')) == 'require'
    return [url.host, url.port and str(url.port), url.username, url.password, tls, url.database]


def with_django(text):
    said = dj_database_url.parse(text)
    options = said.get('OPTIONS', {})
    return [said['HOST'], said['PORT'] and str(said['PORT']), said['USER'], said['PASSWORD'],
            options.get('sslmode') == 'require' or options.get('ssl_mode') == 'REQUIRED', said['NAME']]


def with_redis(module, secure):
    def parse(text):
        pool = module.connection.ConnectionPool.from_url(text)
        said = pool.connection_kwargs
        tls = pool.connection_class is secure and said.get('ssl_cert_reqs', 'required') == 'required'
        return [said['host'], str(said['port']), said.get('username'), said['password'], tls, str(said.get('db', 0))]
    return parse


def with_pymongo(text):
    # The SRV record is what a name server would answer.
    pymongo.srv_resolver._SrvResolver.get_hosts = lambda self: [('fc-0.' + self._SrvResolver__fqdn, 10260)]
    pymongo.srv_resolver._SrvResolver.get_options = lambda self: None
    said = pymongo.uri_parser.parse_uri(text)
    host = said['fqdn'] or said['nodelist'][0][0]
    rest = [said['database'], said['options'].get('replicaset'), said['options'].get('authmechanism'), said['options'].get('retrywrites')]
    return [host, None if said['fqdn'] else str(said['nodelist'][0][1]), said['username'], said['password'], said['options'].get('tls'), rest]


def with_openai(text):
    client = openai.OpenAI(base_url=text, api_key='x')
    return [client.base_url.host, client.base_url.port, None, None, client.base_url.scheme == 'https', client.base_url.path]


CLIENTS = {'libpq': libpq, 'psycopg': lambda text: postgres(psycopg.conninfo.conninfo_to_dict(text)), 'asyncpg': with_asyncpg, 'sqlalchemy': with_sqlalchemy,
           'django': with_django, 'redis-py': with_redis(redis, redis.SSLConnection), 'valkey-py': with_redis(valkey, valkey.SSLConnection),
           'pymongo': with_pymongo, 'openai': with_openai}
print(json.dumps([CLIENTS[client](text) for client, text in (line.rstrip('\n').split('\t') for line in sys.stdin)]))
