/** What an issuer of tokens publishes, and what it gives out. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

const issuer = 'https://id.example.com/';
const audience = 'gateway';

export interface Issuer {
  /** Environment of a gateway that takes its tokens. */
  readonly env: Readonly<Record<string, string>>;
  /** How often its keys were asked for. */
  asked(): number;
  tokenOf(
    subject: string,
    options?: {
      readonly expires?: string | Date;
      readonly claims?: Readonly<Record<string, unknown>>;
    },
  ): Promise<string>;
  close(): void;
}

export const createIssuer = async (): Promise<Issuer> => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] });
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.setHeader('content-type', 'application/json').end(keys);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    env: {
      AUTH: 'jwt',
      AUTH_ISSUER: issuer,
      AUTH_AUDIENCE: audience,
      AUTH_JWKS_URL: `http://127.0.0.1:${port}/keys`,
    },
    asked: () => asked,
    tokenOf: (subject, { expires = '1h', claims = {} } = {}) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(subject)
        .setIssuedAt()
        .setExpirationTime(expires)
        .sign(privateKey),
    close: () => void server.close(),
  };
};
