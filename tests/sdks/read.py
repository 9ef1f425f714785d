"""What Azure's clients for Python see of a deployed project, as JSON. Arguments: resource group, vault URL, blob endpoint, container."""
import json
import os
import sys

from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient
from azure.mgmt.appcontainers import ContainerAppsAPIClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.storage.blob import BlobServiceClient

group, vault, blobs, container = sys.argv[1:]
endpoint = os.environ['AZURE_RESOURCE_MANAGER_ENDPOINT']
credential = ClientSecretCredential(os.environ['AZURE_TENANT_ID'], os.environ['AZURE_CLIENT_ID'], os.environ['AZURE_CLIENT_SECRET'],
                                    authority=os.environ['AZURE_AUTHORITY_HOST'], disable_instance_discovery=True)
arm = {'base_url': endpoint, 'credential_scopes': ['https://management.azure.com/.default']}
resources = ResourceManagementClient(credential, os.environ['AZURE_SUBSCRIPTION_ID'], **arm)
apps = ContainerAppsAPIClient(credential, os.environ['AZURE_SUBSCRIPTION_ID'], **arm)
secrets = SecretClient(vault, credential, verify_challenge_resource=False)
storage = BlobServiceClient(blobs, credential)

print(json.dumps({
    'groups': sorted(g.name for g in resources.resource_groups.list()),
    'resources': sorted(f'{r.type} {r.name}'.lower() for r in resources.resources.list_by_resource_group(group)),
    'apps': {app.name: {
        'image': app.template.containers[0].image,
        'state': app.provisioning_state,
        'revisions': sorted(r.name for r in apps.container_apps_revisions.list_revisions(group, app.name)),
    } for app in apps.container_apps.list_by_resource_group(group)},
    'secrets': {s.name: secrets.get_secret(s.name).value for s in secrets.list_properties_of_secrets()},
    'blobs': sorted(b.name for b in storage.get_container_client(container).list_blobs()),
}))
