// A certified OpenID provider for tests: node provider.mjs PORT REDIRECT_URI POST_LOGOUT_URI
// Any name and password sign in; the groups of each name stand below. Claims come from userinfo alone.
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const [port, redirectUri, postLogoutUri] = process.argv.slice(2);
const GROUPS = { ada: ["naru-admins", "staff"], vic: ["staff"], out: ["visitors"] };
const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "naru",
      client_secret: "a secret: with signs&spaces",
      redirect_uris: [redirectUri],
      post_logout_redirect_uris: [postLogoutUri],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
  cookies: { keys: ["for tests alone"] },
  jwks: { keys: [{ ...key, kid: `key-${process.pid}`, use: "sig", alg: "RS256" }] },
  pkce: { methods: ["S256"], required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      email: `${id}@example.com`,
      email_verified: true,
      name: `Name of ${id}`,
      groups: GROUPS[id] ?? [],
    }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
