-- Two questions whose cost was that of the whole factory, not of what they show.

-- A small team's passages beside a large one's: a word that many passages have was looked for among those of everybody.
CREATE INDEX chunk_collection ON chunk (collection_id);

-- An agent's tasks in one state: all of the agent's, or all in that state, were walked through to find those that are both.
CREATE INDEX task_row_agent_state ON task_row (team_id, agent, state, id DESC);
