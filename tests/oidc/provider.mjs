// An OpenID provider (npm oidc-provider, which is certified) whose user is the `login_hint` of the request.
// `denied` is a user who declines. Arguments: port, redirect URI, client secret.
import Provider from "oidc-provider";

const [port, redirectUri, secret] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: "haulage", client_secret: secret, redirect_uris: [redirectUri] }],
  claims: { openid: ["sub"], profile: ["name", "groups"] },
  conformIdTokenClaims: false,
  cookies: { keys: ["test"] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: id, groups: id === "root" ? ["admins"] : ["staff"] }),
  }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
  pkce: { required: () => true },
});
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith("/interaction/")) return next();
  const { params } = await provider.interactionDetails(ctx.req, ctx.res);
  const user = params.login_hint ?? "alice";
  const result = user === "denied" ? { error: "access_denied" } : { login: { accountId: user } };
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
  ctx.respond = false;
});
provider.listen(Number(port), "127.0.0.1");
