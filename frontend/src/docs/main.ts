// The API reference at /docs: Swagger UI for the gateway's own OpenAPI document. Nothing is loaded from another host.
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";

SwaggerUI({
  url: `${document.documentElement.dataset.root}openapi.json`,
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
});
