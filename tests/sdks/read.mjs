// What Azure's clients for Node see of a deployed project, as JSON. Arguments: resource group, vault URL, blob endpoint, container.
import { webcrypto } from 'node:crypto';
import { ContainerAppsAPIClient } from '@azure/arm-appcontainers';
import { ResourceManagementClient } from '@azure/arm-resources';
import { ClientSecretCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import { BlobServiceClient } from '@azure/storage-blob';

globalThis.crypto ??= webcrypto; // Debian's Node.js 18 has it by this name only with a flag; the clients expect it
const [group, vault, blobs, container] = process.argv.slice(2);
const env = process.env;
const credential = new ClientSecretCredential(env.AZURE_TENANT_ID, env.AZURE_CLIENT_ID, env.AZURE_CLIENT_SECRET,
  { authorityHost: env.AZURE_AUTHORITY_HOST, disableInstanceDiscovery: true });
const arm = { endpoint: env.AZURE_RESOURCE_MANAGER_ENDPOINT, credentialScopes: ['https://management.azure.com/.default'] };
const resources = new ResourceManagementClient(credential, env.AZURE_SUBSCRIPTION_ID, arm);
const apps = new ContainerAppsAPIClient(credential, env.AZURE_SUBSCRIPTION_ID, arm);
const secrets = new SecretClient(vault, credential, { disableChallengeResourceVerification: true });
const storage = new BlobServiceClient(blobs, credential);

async function all(pages, of) {
  const found = [];
  for await (const item of pages) found.push(await of(item));
  return found;
}
const sorted = async (pages, of) => (await all(pages, of)).sort();

console.log(JSON.stringify({
  groups: await sorted(resources.resourceGroups.list(), (g) => g.name),
  resources: await sorted(resources.resources.listByResourceGroup(group), (r) => `${r.type} ${r.name}`.toLowerCase()),
  apps: Object.fromEntries(await all(apps.containerApps.listByResourceGroup(group), async (app) => [app.name, {
    image: app.template.containers[0].image,
    state: app.provisioningState,
    revisions: await sorted(apps.containerAppsRevisions.listRevisions(group, app.name), (r) => r.name),
  }])),
  secrets: Object.fromEntries(await all(secrets.listPropertiesOfSecrets(), async (s) => [s.name, (await secrets.getSecret(s.name)).value])),
  blobs: await sorted(storage.getContainerClient(container).listBlobsFlat(), (b) => b.name),
}));
