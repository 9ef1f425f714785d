"""Holds logged requests against Azure's published operations and schemas: method, path, parameters, API version and body."""
import importlib.util
import json
import pathlib
import re
import urllib.parse


class Published:
    """What azure-api publishes: operations by method and path, types by name and version."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        spec = importlib.util.spec_from_file_location('validate', folder / 'validate.py')
        self.validate = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.validate)
        self.types = self.validate.Types()
        self.operations = {}
        for file in sorted((folder / 'operations').glob('*.json')):
            published = json.loads(file.read_text())
            sources = published['source'] if isinstance(published['source'], list) else [published['source']]
            versions = {part for source in sources for part in source.split('/') if re.fullmatch(r'\d{4}-\d\d-\d\d(-preview)?|\d\.\d', part)}
            data_plane = 'data-plane' in file.name
            for operation in published['operations']:
                # An operation on any id whatever would be found for every path.
                if not re.fullmatch(r'/?\{[^}]*\}', operation['path']):
                    self.operations.setdefault(data_plane, []).append((operation, pattern_of(operation['path']), versions))
        # Known from elsewhere: "Permissions - List For Resource Group" (Microsoft Learn), and the OCI distribution specification.
        for level in ('', '/resourcegroups/{group}'):
            path = '/subscriptions/{subscription}' + level + '/providers/Microsoft.Authorization/permissions'
            self.operations[False].append(({'operationId': 'Permissions_List', 'method': 'GET', 'path': path}, pattern_of(path), {'2022-04-01'}))
        # "Permissions - List For Resource": nothing stands for the parent of a resource that has none.
        path = '/subscriptions/{s}/resourcegroups/{g}/providers/{namespace}/{type}/{name}/providers/Microsoft.Authorization/permissions'
        self.operations[False].append(({'operationId': 'Permissions_ListForResource', 'method': 'GET', 'path': path}, pattern_of(path), {'2022-04-01'}))
        # What `az containerapp job replica list` asks.
        path = '/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.App/jobs/{job}/executions/{execution}/replicas'
        self.operations[False].append(({'operationId': 'JobExecutionReplicas_List', 'method': 'GET', 'path': path}, pattern_of(path), {'2023-05-01'}))
        # What `az containerapp job logs show` asks.
        path = '/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.App/jobs/{job}/getAuthToken'
        self.operations[False].append(({'operationId': 'Jobs_GetAuthToken', 'method': 'POST', 'path': path}, pattern_of(path), {'2023-05-01'}))
        # "Resources - Resources", Azure REST API reference.
        path = '/providers/Microsoft.ResourceGraph/resources'
        self.operations[False].append(({'operationId': 'ResourceGraph_Resources', 'method': 'POST', 'path': path}, pattern_of(path), {'2022-10-01'}))
        self.operations[True].append(({'operationId': 'OCI distribution, checking if content exists', 'method': 'HEAD', 'path': '/v2/{name}/manifests/{reference}'},
                                      pattern_of('/v2/{name}/manifests/{reference}'), {'9'}))
        self.operations[True][-1][0]['query'] = ['ns']  # containerd's docs/hosts.md: which registry a mirror stands for

    def find(self, method, path, data_plane):
        found = [(operation, versions) for operation, pattern, versions in self.operations[data_plane] if operation['method'] == method and pattern.fullmatch(path)]
        # The most specific one: with the fewest names left open.
        return sorted(found, key=lambda one: one[0]['path'].count('{'))


def pattern_of(path):
    """A published path as a pattern; a scope or an id stands for several segments."""
    parts = re.split(r'(\{[^}]*\})', path.rstrip('/'))
    several = {'{scope}', '{resourceUri}', '{resourceId}', '{roleAssignmentId}', '{name}'}
    return re.compile(''.join('.+' if part in several and at == 1 else '[^/]+' if part.startswith('{') else re.escape(part) for at, part in enumerate(parts)), re.I)


def type_of(path):
    """Microsoft.App/containerApps, and the words behind it that name no resource (an action)."""
    if '/providers/' not in path.lower():
        return ('Microsoft.Resources/resourceGroups', []) if re.fullmatch(r'/subscriptions/[^/]+/resourceGroups/[^/]+', path, re.I) else ('', [])
    parts = re.split('/providers/', path, flags=re.I)[-1].split('/')
    return '/'.join(parts[:1] + parts[1::2]), parts


class Judge:
    def __init__(self, published, arm_host):
        self.published, self.arm_host = published, arm_host
        self.seen, self.wrong = {}, []

    def judge(self, record):
        """One record of the log. What belongs to an operation under way (polls) has an address that Azure chose, and is not ours."""
        host, target = record['host'], record['path']
        path, _, query = target.partition('?')
        names = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        what = f'{record["method"]} {path}'
        if host == self.arm_host:
            if record['method'] == 'GET' and re.search('(operation(s|status|statuses|sstatus|results)|importResults)/[^/]+$', path, re.I): return self.note('poll')
            if path.endswith(('/logstream', '/eventstream')): return self.note('log stream')
            if re.fullmatch('/metadata/endpoints|/emulator/ingress|/[^/]+/oauth2/v2.0/token', path): return self.note('discovery and sign-in')
            if path == '/api/retail/prices': return self.note('price list')
            if path.startswith('/v1/workspaces/'): return self.data_plane(record, what, path.removeprefix('/v1'), names)
            return self.arm(record, what, path, names)
        if re.match('/(secrets|deletedsecrets)(/|$)', path): return self.data_plane(record, what, path, names)
        if re.match('/oauth2/|/v2/|/acr/', path): return self.data_plane(record, what, path, names)
        # Blobs have no published operations here: an independent server judges them.
        return self.note('blob or log')

    def note(self, what):
        self.seen[what] = self.seen.get(what, 0) + 1

    def complain(self, what, why):
        text = re.sub('[0-9a-f]{8}-[0-9a-f-]{27}', 'GUID', f'{what}: {why}')
        if text not in self.wrong: self.wrong.append(text)

    def parameters(self, what, operation, names, more=()):
        allowed = {name.lower().rstrip('?') for name in operation.get('query', [])} | {'api-version', *more}
        for name in names:
            if name.lower() not in allowed: self.complain(what, f'no parameter `{name}` in {operation["operationId"]}')

    def data_plane(self, record, what, path, names):
        found = self.published.find(record['method'], path, True)
        if not found: return self.complain(what, 'no such operation')
        operation, versions = found[0]
        self.note(operation['operationId'])
        self.parameters(what, operation, names, ['maxresults', '$skiptoken'])
        if 'api-version' in names and not names['api-version'] <= max(versions): self.complain(what, f'api-version {names["api-version"]}')

    def arm(self, record, what, path, names):
        found = self.published.find(record['method'], path, False)
        if not found: return self.complain(what, 'no such operation')
        version = names.get('api-version')
        if not version: return self.complain(what, 'no api-version')
        operation = found[0][0]
        self.note(operation['operationId'])
        self.parameters(what, operation, names)
        kind, parts = type_of(path)
        action = len(parts) > 1 and len(parts) % 2 == 0 and record['method'] == 'POST'
        known = {entry['apiVersion'] for entry in self.published.types.versions(kind if not action else '/'.join(parts[:1] + parts[1:-1:2])).values()}
        if not parts: known |= {entry['apiVersion'] for entry in self.published.types.versions('Microsoft.Resources/resourceGroups').values()}
        # A provider's types share their versions, also those without a schema of their own (deleted vaults).
        if parts: known |= {v for name, versions in self.published.types.by.items() if name.startswith(parts[0].lower() + '/') for v in versions}
        known |= {v for _, versions in found for v in versions}
        if version.lower() not in {v.lower() for v in known}: self.complain(what, f'api-version {version} is none of {sorted(known)}')
        body = record.get('req_body')
        if record['method'] in ('PUT', 'PATCH'): self.body(what, kind, version, parts, body, record['method'])
        elif action: self.action(what, parts, version, body)
        elif body: self.complain(what, 'a body where none belongs')

    def schema(self, kind, version):
        entry = self.published.types.versions(kind).get(version.lower())
        return entry and self.published.types.load(entry)

    def check(self, what, root, schema, body, partial=False):
        v = self.published.validate
        report, options = v.Report(), type('Options', (), {'strict_enums': True, 'allow_read_only': False, 'allow_unknown': False})()
        v.Checker(root, report, what, False, options).check(schema, body, '')
        for item in report.items:
            if partial and 'required' in item['message'] or "REDACTED" in item['message']: continue
            self.complain(what, f'{item["severity"]}: {item["path"]}: {item["message"]}')

    def body(self, what, kind, version, parts, body, method):
        root = self.schema(kind, version)
        if root is None: return self.complain(what, f'no schema of {kind}@{version}')
        self.check(what, root, root, body, partial=method == 'PATCH')

    def action(self, what, parts, version, body):
        root = self.schema('/'.join(parts[:1] + parts[1:-1:2]), version)
        function = (root or {}).get('x-functions', {}).get(parts[-1])
        if function is None: return  # the schema of the type does not know it; the operation is published
        if 'input' in function: self.check(what, root, function['input'], body if body is not None else {})
        elif body not in (None, {}, ''): self.complain(what, 'a body where none belongs')
