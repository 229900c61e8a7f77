import { Router } from 'express';
import { SURVEY_FOR_MS } from '../survey-relay.ts';
import { acceptedOf } from './commands.ts';
import type { Find } from './find.ts';
import { json, type Needs } from './guard.ts';
import { readSurvey } from './requests.ts';

/** What a survey asks: what proxies have told of their writes. As long as somebody asks, they go on telling. */
export function surveyRoutes(needs: Needs, find: Find): Router {
  const routes = Router();
  routes.post('/survey', needs('operate'), ...json, (request, response) => {
    const { after } = acceptedOf(readSurvey(request.body));
    const { link, survey } = find.active();
    link.survey(SURVEY_FOR_MS);
    const registered = link.views().filter(({ dismissed }) => !dismissed);
    response.json(
      survey.answer(
        after,
        registered.map(({ proxy }) => proxy),
        performance.now(),
      ),
    );
  });
  return routes;
}
