"""The part of JSON Schema that docs/json uses; an unknown keyword is a mistake."""
import re

TYPES = {'object': dict, 'array': list, 'string': str, 'boolean': bool, 'null': type(None)}
KNOWN = {'$schema', 'title', 'description', 'type', 'const', 'enum', 'format', 'required', 'properties', 'additionalProperties', 'items', 'oneOf', 'pattern', 'minimum'}


def is_of(value, kind):
    if kind in ('integer', 'number'):
        return isinstance(value, (int, float) if kind == 'number' else int) and not isinstance(value, bool)
    return isinstance(value, TYPES[kind])


def errors(schema, value, at='$'):
    """What is wrong with the value; nothing where it fits."""
    unknown = set(schema) - KNOWN
    assert not unknown, f'unknown keywords {unknown}'
    if 'oneOf' in schema:
        tried = [errors(one, value, at) for one in schema['oneOf']]
        if sum(not found for found in tried) == 1:
            return []
        return [f'{at}: fits none of the forms: ' + '; '.join(min(tried, key=len))]
    kinds = schema.get('type', [])
    if kinds and not any(is_of(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return [f'{at}: {value!r} is not {kinds}']
    found = []
    if 'const' in schema and value != schema['const']:
        found.append(f'{at}: {value!r} is not {schema["const"]!r}')
    if 'enum' in schema and value not in schema['enum']:
        found.append(f'{at}: {value!r} is none of {schema["enum"]}')
    if schema.get('format') == 'date-time' and not re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z', value):
        found.append(f'{at}: {value!r} is no time')
    if 'pattern' in schema and not re.search(schema['pattern'], value):
        found.append(f'{at}: {value!r} does not match {schema["pattern"]}')
    if isinstance(value, dict):
        properties = schema.get('properties', {})
        found += [f'{at}: no `{name}`' for name in schema.get('required', []) if name not in value]
        for name, member in value.items():
            if name in properties:
                found += errors(properties[name], member, f'{at}.{name}')
            elif schema.get('additionalProperties') is False:
                found.append(f'{at}: `{name}` is not foreseen')
            elif isinstance(schema.get('additionalProperties'), dict):
                found += errors(schema['additionalProperties'], member, f'{at}.{name}')
    if isinstance(value, list) and 'items' in schema:
        for index, item in enumerate(value):
            found += errors(schema['items'], item, f'{at}[{index}]')
    return found
