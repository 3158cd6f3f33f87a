// Embedding in pages of an app. Only what is exported here is public.
export type { Access, HaulageProps } from "./Haulage.tsx";
export { Haulage, useAccess } from "./Haulage.tsx";
